package alerts

import (
	"fmt"
	"time"
)

// A Topic is what an alert is about.
type Topic string

// The topics.
const (
	FeedStalled      Topic = "feed_stalled"
	DeadLetters      Topic = "dead_letters"
	SuppressionsHeld Topic = "suppressions_held"
	TrackDown        Topic = "track_down"
	WarehouseDown    Topic = "warehouse_down"
	ConsumerLate     Topic = "consumer_late"
	Complaints       Topic = "complaints"
)

// runbooks is the address of the runbooks; a topic has the rest.
const runbooks = "https://github.com/cioevents/cioevents/blob/main/docs/operations.md#"

// A topic says how the alerts of a Topic begin and end.
type topic struct {
	// grace is how long the condition lasts before the alert begins: the circuit of the Track
	// API and the retries of a warehouse end short outages by themselves.
	grace time.Duration
	// calm is how long the condition is over before the alert ends.
	calm time.Duration
	// vanishes is set when a condition that nobody reports is over. Otherwise nobody knows,
	// for example because no worker reports.
	vanishes bool
	runbook  string
	// over is the sentence about the end, with %s for the subject.
	over string
}

// topics has the durations of the rules in deploy/k8s/overlays/production/alerts.yaml.
var topics = map[Topic]topic{
	FeedStalled: {runbook: "cioeventsfeedstalled", over: "Signed calls of workspace %s come again."},
	DeadLetters: {
		calm: 15 * time.Minute, vanishes: true, runbook: "cioeventsdeadletters",
		over: "No further dead letter of %s for 15 minutes. Dead letters stay until you redrive or drop them: cioctl dead list.",
	},
	SuppressionsHeld: {vanishes: true, runbook: "cioeventssuppressionsheld", over: "No suppression of consumer %s is held any more."},
	TrackDown:        {grace: 10 * time.Minute, runbook: "cioeventstrackdown", over: "The Track API of workspace %s works again. Events that have waited are handled now."},
	WarehouseDown:    {grace: 10 * time.Minute, runbook: "cioeventsbatchesheld", over: "The warehouse of consumer %s gets rows again."},
	ConsumerLate:     {vanishes: true, runbook: "cioeventslagold", over: "Consumer %s is no longer late."},
	Complaints:       {calm: 24 * time.Hour, runbook: "cioeventscomplaints", over: "The complaint rate of workspace %s has been below 0.1 %% for a day."},
}

// A condition is what a look has found out about a topic and a subject.
type condition struct {
	topic Topic
	// subject is a workspace or a consumer, for DeadLetters with the reason.
	subject string
	on      bool
	// text says what is wrong and what to do next, in sentences without personal data.
	text string
}

func (c *condition) key() string { return string(c.topic) + " " + c.subject }

func overText(t Topic, subject string) string { return fmt.Sprintf(topics[t].over, subject) }
