package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// bridge connects the containers, in the network namespace of the stage. The namespace has
// no way out.
const bridge = "cioevents"

func makeBridge(ctx context.Context) error {
	if err := do(ctx, "ip", "link", "add", bridge, "type", "bridge"); err != nil {
		return err
	}
	return do(ctx, "ip", "link", "set", bridge, "up")
}

// address returns the address of a service: the place of its name decides.
func address(place int) string { return fmt.Sprintf("10.89.0.%d", place+2) }

// join connects a container to the bridge before its program starts.
func join(ctx context.Context, c *container) error {
	pid := strconv.Itoa(c.pid)
	link := "v" + pid
	for _, command := range []string{
		"ip link add " + link + " type veth peer name eth0 netns " + pid,
		"ip link set " + link + " master " + bridge + " up",
		"nsenter --net --target " + pid + " ip addr add " + c.addr + "/24 dev eth0",
		"nsenter --net --target " + pid + " ip link set eth0 up",
		"nsenter --net --target " + pid + " ip link set lo up",
	} {
		words := strings.Fields(command)
		if err := do(ctx, words[0], words[1:]...); err != nil {
			return fmt.Errorf("connect %s: %w", c.name, err)
		}
	}
	return nil
}

// hosts returns /etc/hosts with all services.
func hosts(p *project) string {
	var text strings.Builder
	text.WriteString("127.0.0.1 localhost\n")
	for i, name := range p.names() {
		text.WriteString(address(i) + " " + name + "\n")
	}
	return text.String()
}
