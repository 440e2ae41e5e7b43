-- What a person can do to an attempt: everything before its end, a new attempt after a bad one.
local status = obj.status or {}
local ends = {Promoted = true, Rejected = true, RolledBack = true, Aborted = true, Superseded = true, Failed = true}
local may_be_tried_again = {Rejected = true, RolledBack = true, Aborted = true, Failed = true}
local has_ended = ends[status.phase] == true
local decision = obj.spec.decision
-- A promotion can be taken back until its bake is over.
local is_stopped = has_ended or decision == "Reject" or decision == "Abort"
-- The first version has nothing beside it: it becomes stable by itself, as soon as it is ready.
local promotable = {Preparing = true, Preflight = true, Analyzing = true, AwaitingApproval = true, Baking = true}
local is_promotable = status.stable ~= nil and promotable[status.phase] == true and decision == nil
local is_paused = obj.spec.paused == true

local actions = {}
actions["approve"] = {
  disabled = decision ~= nil or status.phase ~= "AwaitingApproval",
  iconClass = "fa fa-fw fa-thumbs-up",
}
actions["promote"] = {disabled = not is_promotable, iconClass = "fa fa-fw fa-check"}
actions["reject"] = {disabled = is_stopped, iconClass = "fa fa-fw fa-ban"}
actions["abort"] = {disabled = is_stopped, iconClass = "fa fa-fw fa-times"}
actions["pause"] = {disabled = has_ended or is_paused, iconClass = "fa fa-fw fa-pause"}
actions["resume"] = {disabled = has_ended or not is_paused, iconClass = "fa fa-fw fa-play"}
actions["retry"] = {disabled = may_be_tried_again[status.phase] ~= true, iconClass = "fa fa-fw fa-redo"}
return actions
