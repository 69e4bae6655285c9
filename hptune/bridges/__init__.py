"""Bridges to other tools: past trials that come in, studies and trials that go out."""
