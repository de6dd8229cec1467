package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// returners is how many people complain before the faults, are suppressed, and come
// back. No later repeat of an old complaint may delete them again.
const returners = 40

// returner returns a person who comes back. The model of the history does not know the
// person.
func returner(i int) customeriotest.Profile {
	return customeriotest.Profile{CioID: "back" + strconv.Itoa(i), ID: "back-" + strconv.Itoa(i)}
}

func allReturners() (list []customeriotest.Profile) {
	for i := range returners {
		list = append(list, returner(i))
	}
	return list
}

// complaints returns the complaints of the people who come back.
func complaints() (bodies [][]byte) {
	for i := range returners {
		id := returner(i).ID
		bodies = append(bodies, fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"spammed","timestamp":1755600000,"data":{"identifiers":{"id":%q}}}`, id, id))
	}
	return bodies
}

// comeBack lets the people come back after their suppression.
func (d *deployment) comeBack(ctx context.Context) error {
	for _, p := range allReturners() {
		if !d.track.Suppressed(p.ID) {
			return fmt.Errorf("%s complained and is not suppressed", p.ID)
		}
		if err := d.callTrack(ctx, http.MethodPost, "/api/v1/customers/"+p.ID+"/unsuppress"); err != nil {
			return err
		}
	}
	d.track.Seed(allReturners()...)
	return nil
}

// removeReturners removes the people who came back, so that the model of the history
// can be compared, and returns how many of them were deleted before.
func (d *deployment) removeReturners(ctx context.Context) (gone int, err error) {
	for _, p := range allReturners() {
		if _, ok := d.track.Profile(p.ID); !ok {
			gone++
		}
		if err := d.callTrack(ctx, http.MethodDelete, "/api/v1/customers/"+p.ID); err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// callTrack calls the Track API without a body.
func (d *deployment) callTrack(ctx context.Context, method, path string) error {
	req, err := http.NewRequestWithContext(ctx, method, d.track.URL()+path, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth("site", "key")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("call %s %s: %s", method, path, res.Status)
	}
	return nil
}
