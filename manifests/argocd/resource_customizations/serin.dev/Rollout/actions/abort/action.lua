obj.spec.decision = "Abort"
return obj
