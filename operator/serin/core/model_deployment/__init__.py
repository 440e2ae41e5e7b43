"""What a ModelDeployment needs: revisions, children, status. `decide.py` reads top to bottom as the rules of motion."""
