package operate

import "slices"

// newest keeps the last n of the elements that are added in their order.
type newest[T any] struct {
	n    int
	list []T
}

func (l *newest[T]) add(element T) {
	l.list = append(l.list, element)
	if len(l.list) >= 2*l.n { // not each time, which would copy n elements for each
		l.list = slices.Delete(l.list, 0, len(l.list)-l.n)
	}
}

// first returns the elements, the newest first. Nothing may be added afterwards.
func (l *newest[T]) first() []T {
	list := l.list[max(0, len(l.list)-l.n):]
	slices.Reverse(list)
	return list
}
