package warehouse

import "slices"

// unheard are the object types for which Customer.io reports neither delivered nor bounced.
// Source: the events of a reporting webhook in Customer.io's journeys-app.json of August 2026.
var unheard = []string{"in_app", "slack", "webhook"}

// ReportsArrival reports whether Customer.io tells which messages of the object type were
// delivered, and which bounced. Without, messages have no rate of either.
func ReportsArrival(objectType string) bool { return !slices.Contains(unheard, objectType) }
