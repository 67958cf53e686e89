"""What people say and press besides questions: commands, choices, buttons, the Home tab."""
