obj.spec.decision = "Promote"
return obj
