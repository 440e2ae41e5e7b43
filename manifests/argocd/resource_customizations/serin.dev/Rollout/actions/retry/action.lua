-- A new attempt with the same revision; a second click makes no second one, because the name is the same.
local may_be_tried_again = {Rejected = true, RolledBack = true, Aborted = true, Failed = true}
if not may_be_tried_again[(obj.status or {}).phase] then
  error("This Rollout has not ended badly: there is nothing to try again.", 0)
end
local rollout = {
  apiVersion = obj.apiVersion,
  kind = obj.kind,
  metadata = {name = obj.metadata.name .. "-retry", namespace = obj.metadata.namespace},
  spec = {modelDeployment = obj.spec.modelDeployment, revision = obj.status.canary.revision},
}
return {{operation = "create", resource = rollout}}
