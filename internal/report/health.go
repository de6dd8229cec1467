package report

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Health judges the e-mails of some days by the measures of mailbox providers.
type Health struct {
	At time.Time `json:"at"`
	// Since and Until are the first and the last day on which judged e-mails were sent, ""
	// for no bound. Only human_opens looks at other days.
	Since string `json:"since,omitempty"`
	Until string `json:"until,omitempty"`
	// Status is the worst status of a measure. It is StatusOK only if a rate is: a single
	// e-mail is no reason for praise.
	Status warehouse.Status `json:"status"`
	// Kinds has each kind of measure once, with its limits.
	Kinds    []Kind    `json:"kinds"`
	Measures []Measure `json:"measures"`
}

// A Measure is one measure of a message at a mailbox provider, of a provider, or of a
// workspace.
type Measure struct {
	Status warehouse.Status `json:"status"`
	// Measure is complaints, hard_bounces, refused, unauthenticated, human_opens or
	// sent_after_optout.
	Measure   string `json:"measure"`
	Workspace string `json:"workspace"`
	// Message names the message, by its name and by its ids: "campaign 7 / 12". "" for a
	// measure of all messages.
	Message string `json:"message,omitempty"`
	// Provider is "all" for the message as a whole, and "" for a workspace.
	Provider string `json:"mailbox_provider,omitempty"`
	// Count is the number of cases, of Of e-mails. Of is 0 for a measure that is a number.
	Count int64 `json:"count"`
	Of    int64 `json:"of,omitempty"`
	// Usual is the number of human opens that the median of 28 days lets expect, for
	// human_opens only.
	Usual int64 `json:"usual,omitempty"`
}

// NewHealth makes the Health of a Report alone.
func NewHealth(ctx context.Context, cfg Config) (*Health, error) {
	c, err := begin(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		read(ctx, cfg.Reader, names, &c.names),
		c.count(ctx, cfg.Reader),
		read(ctx, cfg.Reader, c.optouts(), &c.late),
	)
	if err != nil {
		return nil, err
	}
	return c.health(), nil
}

// health judges the groups.
func (c *collector) health() *Health {
	h := &Health{At: c.At, Since: c.Since, Until: c.Until, Status: warehouse.StatusFew, Kinds: newKinds(), Measures: []Measure{}}
	for _, k := range slices.SortedFunc(maps.Keys(c.judged.messages), compareJudged) {
		h.add(c.judged.messages[k].measures(k, title(nameOf(c.names, k.Key), k.Key))...)
	}
	slices.SortFunc(c.late, func(a, b Measure) int { return cmp.Compare(a.Workspace, b.Workspace) })
	for _, m := range c.late {
		m.Measure, m.Status = sentAfterOptout, warehouse.OptoutLimit.Status(m.Count, 0)
		h.add(m)
	}
	if late := &h.Kinds[kindOf(sentAfterOptout)]; len(c.late) == 0 && len(c.judged.messages) > 0 {
		late.Status = warehouse.StatusOK
	}
	if c.Campaign == 0 {
		h.add(c.judged.opens()...)
	}
	slices.SortStableFunc(h.Measures, func(a, b Measure) int {
		return cmp.Or(cmp.Compare(b.Status.Rank(), a.Status.Rank()), cmp.Compare(kindOf(a.Measure), kindOf(b.Measure)))
	})
	return h
}

func compareJudged(a, b judgedKey) int {
	return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.provider, b.provider))
}

func (h *Health) add(measures ...Measure) {
	for _, m := range measures {
		k := &h.Kinds[kindOf(m.Measure)]
		k.add(m.Status)
		if m.Status != warehouse.StatusOK || k.Least > 0 {
			h.Status = worse(h.Status, m.Status)
		}
		h.Measures = append(h.Measures, m)
	}
}
