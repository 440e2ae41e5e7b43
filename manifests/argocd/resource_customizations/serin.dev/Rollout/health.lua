-- Health of a Rollout: one attempt, which stays in the tree as history after its end.
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "Waiting for Serin to look at this Rollout."}
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition.status
end

-- Nothing went live and nothing is left to wait for: kstatus says Current.
if status.phase == "Promoted" or status.phase == "Superseded" or status.phase == "Aborted" then
  return {status = "Healthy", message = status.message}
end
if status.phase == "Rejected" or status.phase == "RolledBack" or status.phase == "Failed" then
  return {status = "Degraded", message = status.message}
end
-- A person is asked; the sync itself has nothing left to do.
if conditions["Paused"] == "True" or status.phase == "AwaitingApproval" then
  return {status = "Suspended", message = status.message}
end
if conditions["Stalled"] == "True" then
  local is_open = status.verdict ~= nil and status.verdict.state == "Inconclusive"
  return {status = is_open and "Suspended" or "Degraded", message = status.message}
end
return {status = "Progressing", message = status.message or "Waiting for the first condition."}
