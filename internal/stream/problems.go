package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoDeadStream reports that the stream of dead letters is missing. That is not the
// same as a stream without dead letters: somebody has deleted the stream, and the dead
// letters with it, or NATS has refused to create the stream.
var ErrNoDeadStream = errors.New("stream " + DeadName + " is missing, with any dead letters that it had: a running worker creates the stream within seconds, " +
	"or its log and /readyz say why NATS refuses the stream; without a worker, run cioctl stream apply")

// lookUpDead is lookUp for the stream of dead letters, and returns ErrNoDeadStream for
// a missing stream.
func (c *Conn) lookUpDead(ctx context.Context) (jetstream.Stream, error) {
	st, err := c.lookUp(ctx, DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, ErrNoDeadStream
	}
	return st, err
}

// A problem is a property of a running stream that is not as the programs create the
// stream.
type problem struct {
	text string
	// breaks is set when the property breaks a promise.
	breaks bool
	// setting is set when a setting chooses the property.
	setting bool
}

func (p problem) String() string { return p.text }

const (
	applyHint    = "; to change the stream, run cioctl stream apply"
	recreateHint = "; NATS cannot change this property of a running stream: recreate the stream as docs/operations.md says under \"A stream with wrong properties\""
)

// problemsOf compares a running stream with the wanted one.
func problemsOf(have, want jetstream.StreamConfig) []problem {
	list := propertyProblems(have, want)
	for _, d := range settingDifferences(have, want) {
		list = append(list, problem{text: d.sentence(want.Name), setting: true})
	}
	return list
}

func (d *difference) sentence(stream string) string {
	return "stream " + stream + " differs from the configuration: " + d.name + " is " + d.have + ", configured is " + d.want + applyHint
}

// Unlike returns a sentence for each setting of isSet that the running streams do not have.
// A missing stream has all settings.
func (c *Conn) Unlike(ctx context.Context, s Settings, isSet func(name string) bool) (list []string, err error) {
	for _, want := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		have, err := c.running(ctx, want.Name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			continue
		}
		for _, d := range settingDifferences(have.Config, want) {
			if isSet(d.name) {
				list = append(list, d.sentence(want.Name))
			}
		}
	}
	return list, nil
}

// propertyProblems is problemsOf without the settings, which cioctl does not know.
func propertyProblems(have, want jetstream.StreamConfig) (list []problem) {
	prefix := "stream " + want.Name + ": "
	missing := missingSubjects(have.Subjects, want.Subjects)
	// A stream of an older release lacks the subjects of backfilled events. CheckBackfill says so
	// to the operator who needs them.
	missing = slices.DeleteFunc(missing, func(s string) bool { return s == backfillPrefix+">" })
	if len(missing) > 0 {
		list = append(list, problem{text: prefix + "subject " + strings.Join(missing, " ") + " is missing: nobody stores these messages" + applyHint, breaks: true})
	}
	for _, p := range streamProperties {
		has, wanted := p.value(&have), p.value(&want)
		if has == wanted {
			continue
		}
		hint := applyHint
		if p.fixed != nil && p.fixed(&have) {
			hint = recreateHint
		}
		list = append(list, problem{
			text:   prefix + fmt.Sprintf("%s is %v, wanted is %v: %s", p.name, has, wanted, p.harm) + hint,
			breaks: p.breaks != nil && p.breaks(&have),
		})
	}
	if have.DenyDelete {
		list = append(list, problem{text: denyDelete(have.Name)})
	}
	return list
}

// denyDelete describes a stream that was created with DenyDelete, as c826c92 did.
// nats-server answers 10052 to an update of the property and 10057 to a deletion. The
// program stays ready: events are stored and handled, and an upgrade must not wait.
func denyDelete(name string) string {
	return "stream " + name + " refuses the deletion of messages (DenyDelete), so nobody can erase personal data in it, " +
		"and NATS cannot change DenyDelete of a running stream: recreate the stream as docs/operations.md says under \"A stream that refuses deletion\""
}

// texts returns the sentences of problems.
func texts(problems []problem) []string {
	list := []string{}
	for _, p := range problems {
		list = append(list, p.text)
	}
	return list
}
