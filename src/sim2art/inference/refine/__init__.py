"""From any estimate to joints that the points confirm, with an uncertainty, or an honest "cannot tell"."""
