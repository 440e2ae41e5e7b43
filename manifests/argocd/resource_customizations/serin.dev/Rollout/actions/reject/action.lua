obj.spec.decision = "Reject"
return obj
