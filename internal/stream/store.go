package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Keys in the metadata of a warehouse's consumer.
const (
	metaStore      = "cioevents.store"
	metaStorePlace = "cioevents.store_place"
	metaStoreLacks = "cioevents.store_lacks"
)

// A Store is the warehouse of a consumer. The consumer's metadata names the store: a
// worker with another store must not fetch, because two stores would each get a part
// of the events.
type Store struct {
	// ID is the warehouse's own random id.
	ID string `json:"id"`
	// Place tells a person where the store is. Place has no secrets.
	Place string `json:"place"`
	// Lacks is a sequence, or 0: the store was empty when the consumer had settled the
	// events up to Lacks.
	Lacks uint64 `json:"lacks,omitempty"`
}

// A StoreLink is a consumer's store and progress.
type StoreLink struct {
	// Exists is false when the consumer is missing.
	Exists bool
	// Store has no ID before a worker links a store: the consumer is new, or a worker
	// of an older version has opened the consumer last.
	Store Store
	// Settled is the sequence up to which the consumer has settled its messages, 0 when
	// the consumer has settled none.
	Settled uint64
}

// StoreLink returns the link of a consumer to its store.
func (c *Conn) StoreLink(ctx context.Context, consumer string) (l StoreLink, err error) {
	cons, err := c.js.Consumer(ctx, Name, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("look up consumer %s: %w", consumer, err)
	}
	info := cons.CachedInfo()
	l = StoreLink{Exists: true, Store: storeOf(info.Config.Metadata)}
	if hasPosition(info) {
		l.Settled = info.AckFloor.Stream
	}
	return l, nil
}

// CreateLinked creates the consumer of a Durable with its store. An existing consumer
// stays unchanged: of several workers, one creates the consumer, and the others read the
// link.
func (c *Conn) CreateLinked(ctx context.Context, d DurableConfig, s Store) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	cfg := d.consumer()
	cfg.Metadata = s.addTo(nil)
	_, err := c.js.CreateConsumer(ctx, Name, cfg)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerExists) {
		return fmt.Errorf("create consumer %s: %w", d.Name, remedied(err, ""))
	}
	return nil
}

// SetStore links a consumer to a store. NATS updates a consumer unconditionally: of two
// simultaneous calls, the later wins and the earlier returns no error. The caller reads
// the link again to detect a lost race.
func (c *Conn) SetStore(ctx context.Context, consumer string, s Store) error {
	cons, err := c.js.Consumer(ctx, Name, consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", consumer, err)
	}
	cfg := cons.CachedInfo().Config
	cfg.Metadata = s.addTo(ownMetadata(cfg.Metadata))
	if _, err := c.js.UpdateConsumer(ctx, Name, cfg); err != nil {
		return fmt.Errorf("link consumer %s to its store: %w", consumer, err)
	}
	return nil
}

// addTo returns m with the store's keys.
func (s Store) addTo(m map[string]string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[metaStore], m[metaStorePlace] = s.ID, s.Place
	delete(m, metaStoreLacks)
	if s.Lacks > 0 {
		m[metaStoreLacks] = strconv.FormatUint(s.Lacks, 10)
	}
	return m
}

func storeOf(m map[string]string) Store {
	lacks, _ := strconv.ParseUint(m[metaStoreLacks], 10, 64) // missing when the store lacks nothing
	return Store{ID: m[metaStore], Place: m[metaStorePlace], Lacks: lacks}
}

// ownMetadata returns a copy of m without the keys of the server, which adds its keys to
// every consumer.
func ownMetadata(m map[string]string) map[string]string {
	own := map[string]string{}
	for key, value := range m {
		if !strings.HasPrefix(key, "_nats.") {
			own[key] = value
		}
	}
	return own
}

// metadataOf returns the metadata of a consumer, nil when the consumer is missing.
func (c *Conn) metadataOf(ctx context.Context, consumer string) (map[string]string, error) {
	cons, err := c.js.Consumer(ctx, Name, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil //nolint:nilnil // a missing consumer has none
	}
	if err != nil {
		return nil, err
	}
	return ownMetadata(cons.CachedInfo().Config.Metadata), nil
}
