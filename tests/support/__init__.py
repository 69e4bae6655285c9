"""What several tests share: made-up studies, trials, models and data; no test is imported from another."""
