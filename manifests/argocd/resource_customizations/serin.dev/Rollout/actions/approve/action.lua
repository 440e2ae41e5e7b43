-- Opens the gate that this Rollout waits at, as spec.approvals takes it. The status names no gate: it is the first one
-- on the way that the plan closes and nobody has opened; where the evidence wants a promotion, the one before that.
local status, approvals = obj.status or {}, obj.spec.approvals or {}
local plan = status.plan or {}
local is_open, closed_by_plan, gates = {}, {}, {}
for _, gate in ipairs(approvals) do
  is_open[gate] = true
end
for _, gate in ipairs(plan.approval or {}) do
  closed_by_plan[gate] = true
end

if status.verdict == nil or status.verdict.state ~= "Promote" then
  table.insert(gates, "BeforeTraffic")
  for number, step in ipairs(plan.steps or {}) do
    local gate = "Step" .. number
    closed_by_plan[gate] = step.approval
    table.insert(gates, gate)
  end
end
table.insert(gates, "BeforePromotion")

for _, gate in ipairs(gates) do
  if status.phase == "AwaitingApproval" and closed_by_plan[gate] and not is_open[gate] then
    table.insert(approvals, gate)
    obj.spec.approvals = approvals
    return obj
  end
end
error("This Rollout waits for no approval.", 0)
