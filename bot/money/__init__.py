"""What answers cost: prices, bills, budgets, and what another way of keeping a thread would cost."""
