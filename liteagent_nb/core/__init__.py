"""What an agent is: values, protocols and the loop. Standard library only."""
