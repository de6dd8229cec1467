package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/privacy"
)

// ErasedName is the key-value bucket of erased persons beside the stream. A key is the mark
// of an identifier, with a dot in place of the colon. Only the operator's user may write.
const ErasedName = "CIOEVENTS_ERASED"

const (
	erasedStream  = "KV_" + ErasedName
	erasedSubject = "$KV." + ErasedName + "."
)

// erasedMaxBytes bounds the bucket. A mark takes some 250 bytes, so the bucket has room for
// 250,000 marks: 80,000 persons with three identifiers. A full bucket refuses new marks.
const erasedMaxBytes = 64 << 20

// erasedTimeout bounds the reading of the whole bucket.
const erasedTimeout = 10 * time.Second

// ErrNoErased reports that the bucket does not exist: nobody was erased yet, or somebody has
// deleted the bucket.
var ErrNoErased = errors.New("bucket " + ErasedName + " is not there")

// erasedStream is as stateStream. An erased person stays on the list, so the bucket has no
// age.
func (s Settings) erasedStream() jetstream.StreamConfig {
	cfg := s.base(erasedStream, "Whom cioevents has erased, as HMACs: their later events are stored without personal data")
	cfg.Subjects = []string{erasedSubject + ">"}
	cfg.MaxMsgsPerSubject = 1
	cfg.MaxBytes = erasedMaxBytes
	cfg.AllowRollup = true
	return cfg
}

// CreateErased creates the missing bucket, with as many replicas as the stream has.
func (c *Conn) CreateErased(ctx context.Context) error {
	_, err := c.lookUp(ctx, erasedStream)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return wrapErased("find", err)
	}
	events, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	_, err = c.js.CreateStream(ctx, Settings{Replicas: events.CachedInfo().Config.Replicas}.erasedStream())
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
		return nil
	}
	return wrapErased("create", remedied(c.refused(err), "the bucket's size"))
}

// AddErased puts marks on the list, and creates the missing bucket. A mark that is on the
// list gets the new request and time.
func (c *Conn) AddErased(ctx context.Context, list []privacy.Erasure) error {
	if err := c.CreateErased(ctx); err != nil {
		return err
	}
	for _, e := range list {
		value, err := json.Marshal(e)
		if err != nil {
			return wrapErased("write to", err)
		}
		if _, err := c.js.Publish(ctx, subjectOfMark(e.Mark), value, jetstream.WithExpectStream(erasedStream)); err != nil {
			return wrapErased("write to", c.refused(err))
		}
	}
	return nil
}

// RemoveErased removes marks from the list. A mark that is not on the list is no error.
func (c *Conn) RemoveErased(ctx context.Context, marks []string) error {
	st, err := c.lookUp(ctx, erasedStream)
	if err != nil {
		return wrapErased("find", err)
	}
	for _, m := range marks {
		msg, err := st.GetLastMsgForSubject(ctx, subjectOfMark(m))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err == nil { // a KV deletion would leave a message, and workers read the subjects alone
			err = st.SecureDeleteMsg(ctx, msg.Sequence)
		}
		if err != nil {
			return wrapErased("delete from", c.refused(err))
		}
	}
	return nil
}

// ListErased returns the list, sorted by time and mark. The error is ErrNoErased while the
// bucket does not exist.
func (c *Conn) ListErased(ctx context.Context) (list []privacy.Erasure, err error) {
	if _, err := c.lookUp(ctx, erasedStream); err != nil {
		return nil, wrapErased("find", err)
	}
	var broken error
	err = c.read(ctx, erasedStream, jetstream.OrderedConsumerConfig{}, false, func(msg jetstream.Msg) bool {
		var e privacy.Erasure
		if broken = json.Unmarshal(msg.Data(), &e); broken == nil {
			e.Mark = markOfSubject(msg.Subject())
			list = append(list, e)
		}
		return broken == nil
	})
	slices.SortFunc(list, func(a, b privacy.Erasure) int {
		if order := a.At.Compare(b.At); order != 0 {
			return order
		}
		return strings.Compare(a.Mark, b.Mark)
	})
	return list, wrapErased("read", errors.Join(err, broken))
}

func subjectOfMark(mark string) string {
	return erasedSubject + strings.Replace(mark, ":", ".", 1)
}

func markOfSubject(subject string) string {
	return strings.Replace(strings.TrimPrefix(subject, erasedSubject), ".", ":", 1)
}

func wrapErased(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return ErrNoErased
	case errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("%s bucket %s: the user needs the permissions of deploy/k8s/base/nats/accounts.conf: %w", verb, ErasedName, err)
	default:
		return fmt.Errorf("%s bucket %s: %w", verb, ErasedName, err)
	}
}
