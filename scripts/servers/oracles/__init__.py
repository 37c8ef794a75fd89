"""Servers of our own that check every credential and signature, for services nobody else serves."""
