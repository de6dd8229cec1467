package customerio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// windows reads deliveries by windows of their creation time, in unix seconds. The next
// window is as long as the last one promises to fit on a page.
type windows struct {
	app   *App
	width int64 // seconds of the next window
	size  int   // deliveries on a full page
	// crowded is the end of the last window with more than a page of deliveries.
	crowded int64
	// Whether a window includes its bounds is unknown until a delivery lies on a bound.
	withStart, withEnd bool
	// lastHasNone says that the last page of a list names no next page. Otherwise a next
	// page may be empty.
	lastHasNone bool
}

const (
	day = 24 * 60 * 60
	// widestWindow is well below the 6 months that the list of all deliveries accepts.
	widestWindow = 28 * day
	// largestPage is the documented limit of deliveries on a page.
	largestPage = 1000
)

func newWindows(a *App) *windows { return &windows{app: a, width: day, size: largestPage} }

// read returns the deliveries of a window that begins at a time, and the window's end.
func (w *windows) read(ctx context.Context, from, until int64) (list []Delivery, to int64, err error) {
	for {
		to = min(from+w.width, until)
		list, more, err := w.window(ctx, from, to)
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("list deliveries: %w", err)
		case !more:
			w.widen(len(list), from, to)
			return sorted(list), to, nil
		case to-from > 1:
			w.crowded, w.width = to, max(1, (to-from)/2)
		default:
			list, err := w.second(ctx, from)
			return sorted(list), to, err
		}
	}
}

// widen makes the next window as long as 90 % of a page lasts. After an empty window the
// crowd is in the rest of the crowded window: widen searches by halves.
func (w *windows) widen(n int, from, to int64) {
	seconds, room := to-from, int64(w.size)*9/10
	w.width = min(8*seconds, widestWindow, max(1, seconds*room/int64(max(n, 1))))
	if n == 0 && w.crowded > to {
		w.width = min(w.width, max(1, (w.crowded-to)/2))
	}
}

// window returns the deliveries of a window if they fit on a page, else true.
func (w *windows) window(ctx context.Context, from, to int64) (list []Delivery, more bool, err error) {
	query := w.query(from, to)
	items, next, err := page[message](ctx, w.app, messagesPath, messagesKey, query)
	if err != nil {
		return nil, false, err
	}
	w.lastHasNone = w.lastHasNone || len(items) > 0 && next == ""
	if more, err := w.continues(ctx, query, next); more || err != nil {
		w.size = max(1, len(items))
		return nil, true, err
	}
	w.learn(items, query)
	return w.within(items, from, to), false, nil
}

// continues reports whether the page with the start next has deliveries.
func (w *windows) continues(ctx context.Context, query url.Values, next string) (bool, error) {
	if next == "" || w.lastHasNone {
		return next != "", nil
	}
	query = maps.Clone(query)
	query.Set("start", next)
	later, _, err := page[message](ctx, w.app, messagesPath, messagesKey, query)
	return len(later) > 0, err
}

const (
	messagesPath = "/v1/messages"
	messagesKey  = "messages"
)

func (w *windows) query(from, to int64) url.Values {
	if !w.withStart {
		from--
	}
	if w.withEnd {
		to--
	}
	return url.Values{
		"start_ts": {strconv.FormatInt(from, 10)}, "end_ts": {strconv.FormatInt(to, 10)}, "limit": {strconv.Itoa(largestPage)},
	}
}

// learn notes which bounds of a window belong to the window, so that later windows need
// no second more.
func (w *windows) learn(items []message, query url.Values) {
	for i := range items {
		at := strconv.FormatInt(int64(items[i].Created), 10)
		w.withStart = w.withStart || at == query.Get("start_ts")
		w.withEnd = w.withEnd || at == query.Get("end_ts")
	}
}

func (w *windows) within(items []message, from, to int64) []Delivery {
	list := make([]Delivery, 0, len(items))
	for i := range items {
		if at := int64(items[i].Created); at >= from && at < to {
			list = append(list, items[i].delivery())
		}
	}
	return list
}

// maxPasses bounds how often second reads its pages.
const maxPasses = 8

// second returns the deliveries of a second that has more than a page of them. second
// repeats the pages until two readings in a row add nothing, because a delivery that
// vanishes between two pages moves another one to the page before.
func (w *windows) second(ctx context.Context, from int64) ([]Delivery, error) {
	found := map[string]Delivery{}
	same := 0
	for range maxPasses {
		before := len(found)
		for item, err := range pages[message](ctx, w.app, messagesPath, messagesKey, w.query(from, from+1)) {
			if err != nil {
				return nil, err
			}
			for _, d := range w.within([]message{item}, from, from+1) {
				found[d.ID] = d
			}
		}
		same++
		if len(found) > before {
			same = 0
		}
		if same == 2 {
			return slices.Collect(maps.Values(found)), nil
		}
	}
	return nil, errors.New("list deliveries: the pages change all the time: try again later")
}

func sorted(list []Delivery) []Delivery {
	slices.SortFunc(list, func(a, b Delivery) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}
