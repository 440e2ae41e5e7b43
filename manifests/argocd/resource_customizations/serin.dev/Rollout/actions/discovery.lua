-- What a person can do to an attempt: everything before its end, a new attempt after a bad one.
local status = obj.status or {}
local ends = {Promoted = true, Rejected = true, RolledBack = true, Aborted = true, Superseded = true, Failed = true}
local may_be_tried_again = {Rejected = true, RolledBack = true, Aborted = true, Failed = true}
local has_ended = ends[status.phase] == true
local is_decided = has_ended or obj.spec.decision ~= nil
-- The first version has nothing beside it: it becomes stable by itself, as soon as it is ready.
local is_promotable = status.stable ~= nil and (status.phase == "Preparing" or status.phase == "Analyzing")
local is_paused = obj.spec.paused == true

local actions = {}
actions["promote"] = {disabled = is_decided or not is_promotable, iconClass = "fa fa-fw fa-check"}
actions["reject"] = {disabled = is_decided, iconClass = "fa fa-fw fa-ban"}
actions["abort"] = {disabled = is_decided, iconClass = "fa fa-fw fa-times"}
actions["pause"] = {disabled = has_ended or is_paused, iconClass = "fa fa-fw fa-pause"}
actions["resume"] = {disabled = has_ended or not is_paused, iconClass = "fa fa-fw fa-play"}
actions["retry"] = {disabled = may_be_tried_again[status.phase] ~= true, iconClass = "fa fa-fw fa-redo"}
return actions
