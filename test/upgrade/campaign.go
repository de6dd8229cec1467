package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// A call is one webhook call.
type call struct {
	// id is the event_id. For a body without an event_id, id is the body: equal bodies
	// are one event.
	id string
	// metric is "" in a body without a metric.
	metric, delivery string
	body             []byte
	// suppresses is the cio_id or the id of the person whom the event suppresses, "" for
	// none.
	suppresses string
	// machine marks a click of a robot.
	machine bool
}

// A unit contains calls that Customer.io sends one after the other.
type unit []call

const people = 1_000

// occurred is the time of the last event. Its day is over, so that the day can be
// compacted.
var occurred = time.Now().Add(-72 * time.Hour)

// A campaign contains the units of the whole run, and the people before the run.
type campaign struct {
	history *lab.History
	units   []unit
	// strangers are people whom the model of the history does not know: each gets a
	// complaint whose event_id another metric has.
	strangers []string
}

// newCampaign simulates about n calls.
func newCampaign(seed uint64, n int) *campaign {
	c := &campaign{history: lab.NewHistory(lab.HistoryConfig{
		Seed: seed, People: people, Opens: n * 6 / 10, Others: n * 2 / 10, End: occurred, OldToo: true,
	})}
	for i := range c.history.Len() {
		c.units = append(c.units, c.event(i))
		switch i % 16 {
		case 3:
			c.units = append(c.units, c.twoMetrics(i))
		case 7:
			c.units = append(c.units, twice(call{delivery: "noid-" + strconv.Itoa(i), metric: "delivered"}))
		case 11:
			c.units = append(c.units, twice(call{delivery: "nometric-" + strconv.Itoa(i), id: "nometric-" + strconv.Itoa(i)}))
		}
	}
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(c.units), func(i, j int) { c.units[i], c.units[j] = c.units[j], c.units[i] })
	return c
}

// event returns arrival i of the history, which the history may repeat.
func (c *campaign) event(i int) unit {
	m := c.history.Message(i)
	text := string(m.Body)
	return unit{{
		id: strings.TrimSuffix(m.ID, "-again"), metric: m.Metric, delivery: between(text, `"delivery_id":"`, `"`), body: m.Body,
		suppresses: c.history.Suppression(i), machine: strings.Contains(text, `"machine":true`),
	}}
}

// twoMetrics returns two facts with one event_id, as in Customer.io's own examples: a
// message was sent, and its recipient complained.
func (c *campaign) twoMetrics(i int) unit {
	person := "stranger-" + strconv.Itoa(i)
	c.strangers = append(c.strangers, person)
	sent := call{id: "pair-" + strconv.Itoa(i), delivery: "pair-" + strconv.Itoa(i), metric: "sent"}
	sent.body = body(&sent, person)
	spammed := sent
	spammed.metric, spammed.suppresses = "spammed", person
	spammed.body = body(&spammed, person)
	return unit{sent, spammed}
}

// twice returns one event that arrives twice.
func twice(c call) unit {
	c.body = body(&c, "somebody")
	if c.id == "" {
		c.id = string(c.body)
	}
	return unit{c, c}
}

func body(c *call, person string) []byte {
	text := ""
	if c.id != "" {
		text += fmt.Sprintf(`"event_id":%q,`, c.id)
	}
	if c.metric != "" {
		text += fmt.Sprintf(`"metric":%q,`, c.metric)
	}
	return fmt.Appendf(nil, `{%s"object_type":"email","timestamp":%d,"data":{"delivery_id":%q,"identifiers":{"id":%q}}}`,
		text, occurred.Unix(), c.delivery, person)
}

// between returns the text between two texts.
func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// names returns the person of each identifier of a Track API call.
func (c *campaign) names() map[string]string {
	names := map[string]string{}
	add := func(p customeriotest.Profile) {
		names[p.ID], names[p.Email], names["cio_"+p.CioID], names[p.CioID] = p.CioID, p.CioID, p.CioID, p.CioID
	}
	for _, p := range c.history.People() {
		add(p)
	}
	for _, s := range c.strangers {
		names[s] = s
	}
	return names
}
