package customeriotest

// Readings returns an App for each reading of what Customer.io does not document about its
// lists of deliveries. Code that passes under all of them is right under the
// true one.
func Readings() map[string]AppConfig {
	return map[string]AppConfig{
		"oldest first":            {},
		"newest first":            {NewestFirst: true},
		"no order":                {Shuffled: true},
		"pages shift":             {Shifting: true},
		"bounds excluded":         {OpenBounds: true},
		"a next after the last":   {NextAlways: true},
		"numbers of human events": {HumanCounts: true},
		"rate by key":             {RatePerKey: true},
	}
}
