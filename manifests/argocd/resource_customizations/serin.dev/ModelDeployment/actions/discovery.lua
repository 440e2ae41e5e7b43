-- Promote, reject and abort belong to the Rollout, which stands below the ModelDeployment in the tree: an action may
-- only change the object that it was called on.
local is_paused = obj.spec.paused == true
local status = obj.status or {}

local actions = {}
actions["pause"] = {disabled = is_paused, iconClass = "fa fa-fw fa-pause"}
actions["resume"] = {disabled = not is_paused, iconClass = "fa fa-fw fa-play"}
actions["retry"] = {
  disabled = is_paused or status.rejected == nil or status.candidate ~= nil,
  iconClass = "fa fa-fw fa-redo",
}
return actions
