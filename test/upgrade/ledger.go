package main

// A key identifies a fact in the warehouses. The key does not use event_id, which the
// versions treat differently.
type key struct{ delivery, metric string }

// An answer is a call that ingest answered with 200.
type answer struct {
	*call
	// old marks an ingest of the old version.
	old bool
}

// A ledger predicts what the answered calls leave behind. The old version identifies
// an event by its event_id alone, the new version by event_id and metric. The versions
// use different ids in the stream, so an event that both versions answer is stored
// twice; the views count the event once.
//
// An old ingest takes the second metric of an event_id for a repeat and stores nothing.
// The second metric is expected only if a new ingest answered it, or if the old ingest
// had not stored the first metric.
type ledger struct {
	// messages contains the id of each message in the stream.
	messages map[string]bool
	events   map[key]*call
	// suppressions counts the messages that suppress a person.
	suppressions map[string]int
	// refused counts second metrics that an old ingest took for a repeat.
	refused int
}

func newLedger(answers []answer) *ledger {
	l := &ledger{messages: map[string]bool{}, events: map[key]*call{}, suppressions: map[string]int{}}
	stored := map[string]string{} // the metric that old ingests stored for an id
	for _, a := range answers {
		id := a.id
		if !a.old {
			id += " " + a.metric
		}
		if l.messages[id] {
			if a.old && stored[id] != a.metric {
				l.refused++
			}
			continue
		}
		if a.old {
			stored[id] = a.metric
		}
		l.add(id, a.call)
	}
	return l
}

func (l *ledger) add(id string, c *call) {
	l.messages[id] = true
	l.events[key{c.delivery, c.metric}] = c
	if c.suppresses != "" {
		l.suppressions[c.suppresses]++
	}
}

// totals returns what the views of DuckDB and Parquet count.
func (l *ledger) totals() totals {
	deliveries := map[string]bool{}
	var t totals
	for k, c := range l.events {
		deliveries[k.delivery] = true
		t.Events++
		switch {
		case k.metric == "bounced":
			t.Bounces++
		case k.metric == "clicked" && !c.machine:
			t.Clicks++
		}
	}
	t.Deliveries = len(deliveries)
	return t
}

// totals contains sums over the views.
type totals struct{ Events, Deliveries, Bounces, Clicks int }
