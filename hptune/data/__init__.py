"""What is learned from: tables, arrays and bundled sets, split and encoded."""
