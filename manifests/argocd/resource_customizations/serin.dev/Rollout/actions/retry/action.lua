-- A new attempt with the same revision; a second click makes no second one, because the name is the same.
local rollout = {
  apiVersion = obj.apiVersion,
  kind = obj.kind,
  metadata = {name = obj.metadata.name .. "-retry", namespace = obj.metadata.namespace},
  spec = {modelDeployment = obj.spec.modelDeployment, revision = obj.status.canary.revision},
}
return {{operation = "create", resource = rollout}}
