-- A Rollout made by hand tries a refused revision again. Its name follows from the refused attempt, so that a second
-- click makes no second Rollout; the revision holds it to what was refused.
local rejected = (obj.status or {}).rejected
if rejected == nil then
  error("No version is rejected: there is nothing to try again.", 0)
end
local rollout = {
  apiVersion = obj.apiVersion,
  kind = "Rollout",
  metadata = {name = rejected.rollout .. "-retry", namespace = obj.metadata.namespace},
  spec = {modelDeployment = obj.metadata.name, revision = rejected.revision},
}
return {{operation = "create", resource = rollout}}
