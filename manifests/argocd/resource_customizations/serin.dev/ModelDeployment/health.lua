-- Health of a ModelDeployment, from the conditions that kstatus reads too. An open decision of a person is Suspended:
-- Degraded would end a sync that only has to wait.
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "Waiting for Serin to look at this version of the spec."}
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled = conditions["Ready"], conditions["Stalled"]

if status.phase == "Paused" or status.phase == "AwaitingApproval" then
  return {status = "Suspended", message = status.message}
end
if stalled ~= nil and stalled.status == "True" then
  local is_open = stalled.reason == "Inconclusive"
  return {status = is_open and "Suspended" or "Degraded", message = stalled.message}
end
if ready ~= nil and ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
return {status = "Progressing", message = status.message or "Waiting for the first condition."}
