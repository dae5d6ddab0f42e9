"""USD with UsdPhysics: one Xform a part with mass and colliders, joints with limits and drives, z up, metres.

Layout: `/<name>` (default prim, articulation root), below it one rigid body a part, then `joints`, the first of which
holds the base in the world. Body frames are those of the URDF's links; all are written relative to `/<name>`, whose
frame is z up. Hinge limits are in degrees, as UsdPhysics has it.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint, JointType
from sim2art.export.mesh_files import linear_colors, unused_name
from sim2art.export.model_meshes import part_mesh_paths
from sim2art.export.physics import Inertia, JointPhysics, PhysicsModel
from sim2art.export.targets import Target
from sim2art.file_names import utf8_path
from sim2art.geometry.meshes import Texture, TriangleMesh
from sim2art.geometry.rotations import quaternion_from_rotation, rotation_between
from sim2art.geometry.transforms import make_transform
from sim2art.optional import require

_X = np.array([1.0, 0.0, 0.0])
"""UsdPhysics knows the axes X, Y and Z only: each joint's own frame has X along its axis."""
_MODULES = ("Gf", "Sdf", "Tf", "Usd", "UsdGeom", "UsdPhysics", "UsdShade", "Vt")


def write_usd(model: PhysicsModel, path: Path, *, target: Target | None = None) -> None:
    """Write a .usda, .usdc or .usd file; all but the textures, which stand in `meshes/`, is inside it.

    Args:
        path: Its suffix chooses the encoding.
        target: Isaac Lab gets PhysX's joint friction and its switch against self-collision.

    Raises:
        MissingPackageError: When usd-core is not installed.
    """
    pxr = SimpleNamespace(**{name: require(f"pxr.{name}", extra="export") for name in _MODULES})
    # In memory: a file of this name may still be open in this process from an earlier export.
    stage = pxr.Usd.Stage.CreateInMemory()
    pxr.UsdGeom.SetStageUpAxis(stage, pxr.UsdGeom.Tokens.z)
    pxr.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    pxr.UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    stage.SetMetadata(
        "comment",
        f"Units: m, kg. Made from a video: inertia, damping and friction are assumed. {model.up.words.capitalize()}.",
    )
    articulated_object = model.articulated_object
    top_path = f"/{_prim_name(pxr, articulated_object.name, set())}"
    top = pxr.UsdGeom.Xform.Define(stage, top_path)
    stage.SetDefaultPrim(top.GetPrim())
    pxr.UsdPhysics.ArticulationRootAPI.Apply(top.GetPrim())
    if target is Target.ISAACLAB:
        kind = pxr.Sdf.ValueTypeNames.Bool
        _set_physx(top.GetPrim(), "PhysxArticulationAPI", "physxArticulation:enabledSelfCollisions", kind, value=False)
    taken: set[str] = set()
    paths = [f"{top_path}/{_prim_name(pxr, link.name, taken)}" for link in articulated_object.links]
    material = _define_material(stage, pxr, model, f"{top_path}/{_prim_name(pxr, 'surface', taken)}")
    for index, body_path in enumerate(paths):
        _define_body(stage, pxr, model, index, body_path, material)
    _define_joints(stage, pxr, model, paths, f"{top_path}/{_prim_name(pxr, 'joints', taken)}", target)
    with utf8_path(path) as place:
        stage.GetRootLayer().Export(str(place))


def _define_body(stage: Any, pxr: Any, model: PhysicsModel, index: int, path: str, material: Any) -> None:
    """A part: where it rests, its mass, what is seen and what collides."""
    link, origin = model.articulated_object.links[index], model.origins[index]
    body = pxr.UsdGeom.Xform.Define(stage, path)
    pose = model.root_from_world @ make_transform(np.eye(3), origin)
    body.AddTranslateOp().Set(pxr.Gf.Vec3d(*pose[:3, 3].tolist()))
    quaternion = quaternion_from_rotation(pose[:3, :3]).tolist()
    body.AddOrientOp(pxr.UsdGeom.XformOp.PrecisionDouble).Set(pxr.Gf.Quatd(*quaternion))
    prim = body.GetPrim()
    prim.SetDisplayName(link.name)
    pxr.UsdPhysics.RigidBodyAPI.Apply(prim)
    _set_mass(prim, pxr, model.inertias[index], origin)
    for name, mesh in (("visual", link.mesh), ("invented", model.invented[index])):
        if mesh is not None and len(mesh.faces):
            shape = _define_mesh(stage, pxr, f"{path}/{name}", mesh, origin, link.color)
            file = part_mesh_paths(model.articulated_object)[index]
            if mesh.texture is not None and file is not None:
                _put_texture(stage, pxr, shape, mesh.texture, f"./{file.removesuffix('.obj')}.png")
    for number, piece in enumerate(model.collisions[index].pieces):
        shape = _define_mesh(stage, pxr, f"{path}/collision_{number}", piece, origin, link.color)
        shape.CreatePurposeAttr(pxr.UsdGeom.Tokens.guide)
        pxr.UsdPhysics.CollisionAPI.Apply(shape.GetPrim())
        pxr.UsdPhysics.MeshCollisionAPI.Apply(shape.GetPrim()).CreateApproximationAttr("convexHull")
        binding = pxr.UsdShade.MaterialBindingAPI.Apply(shape.GetPrim())
        binding.Bind(material, pxr.UsdShade.Tokens.weakerThanDescendants, "physics")


def _set_mass(prim: Any, pxr: Any, inertia: Inertia, origin: Float[np.ndarray, "3"]) -> None:
    mass = pxr.UsdPhysics.MassAPI.Apply(prim)
    moments, axes = np.linalg.eigh(inertia.matrix)
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    mass.CreateMassAttr(float(inertia.mass))
    mass.CreateCenterOfMassAttr(pxr.Gf.Vec3f(*(inertia.center - origin).tolist()))
    mass.CreateDiagonalInertiaAttr(pxr.Gf.Vec3f(*moments.tolist()))
    mass.CreatePrincipalAxesAttr(pxr.Gf.Quatf(*quaternion_from_rotation(axes).tolist()))


def _define_mesh(
    stage: Any,
    pxr: Any,
    path: str,
    mesh: TriangleMesh,
    origin: Float[np.ndarray, "3"],
    color: tuple[int, int, int],
) -> Any:
    """A mesh with one colour a face, in the frame of its body."""
    shape = pxr.UsdGeom.Mesh.Define(stage, path)
    points = (mesh.vertices - origin).astype(np.float32)
    shape.CreatePointsAttr(pxr.Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(points)))
    shape.CreateFaceVertexCountsAttr(pxr.Vt.IntArray.FromNumpy(np.full(len(mesh.faces), 3, dtype=np.int32)))
    shape.CreateFaceVertexIndicesAttr(pxr.Vt.IntArray.FromNumpy(mesh.faces.astype(np.int32).reshape(-1)))
    shape.CreateSubdivisionSchemeAttr(pxr.UsdGeom.Tokens.none)
    shape.CreateDoubleSidedAttr().Set(value=True)  # Scans are open shells.
    shape.CreateExtentAttr(pxr.Vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)])))
    colors = linear_colors(mesh, color).astype(np.float32)
    shape.CreateDisplayColorPrimvar(pxr.UsdGeom.Tokens.uniform).Set(pxr.Vt.Vec3fArray.FromNumpy(colors))
    return shape


def _put_texture(stage: Any, pxr: Any, shape: Any, texture: Texture, file: str) -> None:
    """A preview surface with the picture that stands beside the part's mesh file."""
    kinds = pxr.Sdf.ValueTypeNames
    places = pxr.UsdGeom.PrimvarsAPI(shape).CreatePrimvar("st", kinds.TexCoord2fArray, pxr.UsdGeom.Tokens.faceVarying)
    places.Set(pxr.Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(texture.uvs.reshape(-1, 2).astype(np.float32))))
    path = f"{shape.GetPath()}_look"
    material = pxr.UsdShade.Material.Define(stage, path)
    shader, image, reader = (
        pxr.UsdShade.Shader.Define(stage, f"{path}/{name}") for name in ("surface", "picture", "places")
    )
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", kinds.Token).Set("st")
    image.CreateIdAttr("UsdUVTexture")
    image.CreateInput("file", kinds.Asset).Set(file)
    image.CreateInput("st", kinds.Float2).ConnectToSource(reader.CreateOutput("result", kinds.Float2))
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("roughness", kinds.Float).Set(0.9)
    shader.CreateInput("diffuseColor", kinds.Color3f).ConnectToSource(image.CreateOutput("rgb", kinds.Float3))
    material.CreateSurfaceOutput().ConnectToSource(shader.CreateOutput("surface", kinds.Token))
    pxr.UsdShade.MaterialBindingAPI.Apply(shape.GetPrim()).Bind(material)


def _define_material(stage: Any, pxr: Any, model: PhysicsModel, path: str) -> Any:
    """Friction of all colliders."""
    material = pxr.UsdShade.Material.Define(stage, path)
    surface = pxr.UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    surface.CreateStaticFrictionAttr(model.config.contact_friction)
    surface.CreateDynamicFrictionAttr(model.config.contact_friction)
    surface.CreateRestitutionAttr(0.0)
    return material


def _define_joints(
    stage: Any, pxr: Any, model: PhysicsModel, paths: list[str], scope: str, target: Target | None
) -> None:
    """The joint that holds the base in the world, then the object's own."""
    articulated_object = model.articulated_object
    pxr.UsdGeom.Scope.Define(stage, scope)
    taken: set[str] = set()
    names = [_prim_name(pxr, joint.name, taken) for joint in articulated_object.joints]
    hold = pxr.UsdPhysics.FixedJoint.Define(stage, f"{scope}/{_prim_name(pxr, 'root_from_world', taken)}")
    # With no first body, the first frame is the world's: the place where the base rests.
    pose = model.root_from_world
    hold.CreateBody1Rel().SetTargets([paths[articulated_object.link_index(articulated_object.root)]])
    hold.CreateLocalPos0Attr(pxr.Gf.Vec3f(*pose[:3, 3].tolist()))
    hold.CreateLocalRot0Attr(pxr.Gf.Quatf(*quaternion_from_rotation(pose[:3, :3]).tolist()))
    for joint, physics, name in zip(articulated_object.joints, model.joints, names, strict=True):
        parent, child = (articulated_object.link_index(link) for link in (joint.parent, joint.child))
        kinds = {
            JointType.REVOLUTE: pxr.UsdPhysics.RevoluteJoint,
            JointType.PRISMATIC: pxr.UsdPhysics.PrismaticJoint,
            JointType.FIXED: pxr.UsdPhysics.FixedJoint,
        }
        made = kinds[joint.type].Define(stage, f"{scope}/{name}")
        made.GetPrim().SetDisplayName(joint.name)
        made.CreateBody0Rel().SetTargets([paths[parent]])
        made.CreateBody1Rel().SetTargets([paths[child]])
        turn = pxr.Gf.Quatf(*quaternion_from_rotation(rotation_between(_X, joint.axis)).tolist())
        made.CreateLocalPos0Attr(pxr.Gf.Vec3f(*(model.origins[child] - model.origins[parent]).tolist()))
        made.CreateLocalPos1Attr(pxr.Gf.Vec3f(0.0))
        made.CreateLocalRot0Attr(turn)
        made.CreateLocalRot1Attr(turn)
        if joint.type is not JointType.FIXED:
            _set_motion(made, pxr, joint, physics, target)


def _set_motion(made: Any, pxr: Any, joint: Joint, physics: JointPhysics, target: Target | None) -> None:
    """Axis, limits and damping; UsdPhysics has no joint friction, PhysX has."""
    is_hinge = joint.type is JointType.REVOLUTE
    degree = float(np.rad2deg(1.0)) if is_hinge else 1.0
    made.CreateAxisAttr(pxr.UsdPhysics.Tokens.x)
    made.CreateLowerLimitAttr(physics.limits[0] * degree)
    made.CreateUpperLimitAttr(physics.limits[1] * degree)
    prim = made.GetPrim()
    prim.SetCustomDataByKey("sim2art:limits", physics.source.value)
    drive = pxr.UsdPhysics.DriveAPI.Apply(prim, "angular" if is_hinge else "linear")
    drive.CreateTypeAttr("force")
    drive.CreateStiffnessAttr(0.0)
    drive.CreateDampingAttr(physics.damping / degree)
    drive.CreateMaxForceAttr(physics.effort)
    if target is Target.ISAACLAB:
        kind = pxr.Sdf.ValueTypeNames.Float
        _set_physx(prim, "PhysxJointAPI", "physxJoint:jointFriction", kind, value=physics.friction)


def _set_physx(prim: Any, schema: str, attribute: str, kind: Any, *, value: float | bool) -> None:
    """Set an attribute of a schema that only PhysX's own USD build knows."""
    prim.AddAppliedSchema(schema)
    prim.CreateAttribute(attribute, kind, custom=False).Set(value)


def _prim_name(pxr: Any, name: str, taken: set[str]) -> str:
    """A name that USD allows and that is not in `taken`; it is added there."""
    clean = unused_name(pxr.Tf.MakeValidIdentifier(name), taken)
    taken.add(clean)
    return clean
