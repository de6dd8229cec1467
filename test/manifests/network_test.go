package manifests_test

import (
	"net/netip"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// An end of a connection: pods of a workload here, pods of another namespace, or
// an address outside.
type end struct {
	workload, namespace, address string
	labels                       map[string]string // of pods elsewhere
}

func pod(workload string) end    { return end{workload: workload} }
func elsewhere(ns string) end    { return end{namespace: ns} }
func outside(address string) end { return end{address: address} }

var dns = end{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}}

func TestWhoReachesWhom(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	for _, c := range []struct {
		from, to end
		port     int
		want     bool
	}{
		{elsewhere("ingress"), pod("ingest"), 8080, true},
		{elsewhere("ingress"), pod("ingest"), 9090, false},
		{elsewhere("default"), pod("ingest"), 8080, false},
		{outside("198.51.100.7"), pod("ingest"), 8080, false},
		{pod("worker-warehouse"), pod("ingest"), 8080, false},
		{elsewhere("monitoring"), pod("ingest"), 9090, true},
		{elsewhere("monitoring"), pod("ingest"), 8080, false},
		{elsewhere("monitoring"), pod("worker-suppression"), 9090, true},
		{elsewhere("monitoring"), pod("nats"), 7777, true},
		{elsewhere("monitoring"), pod("nats"), 8222, false},
		{elsewhere("keda"), pod("nats"), 8222, true},
		{elsewhere("keda"), pod("nats"), 4222, false},
		{elsewhere("ingress"), pod("nats"), 4222, false},
		{pod("ingest"), pod("nats"), 4222, true},
		{pod("ingest"), pod("nats"), 8222, false},
		{pod("ingest"), pod("nats"), 6222, false},
		{pod("worker-suppression"), pod("nats"), 4222, true},
		{pod("worker-warehouse"), pod("nats"), 4222, true},
		{pod("nats"), pod("nats"), 6222, true},
		{pod("nats"), outside("198.51.100.7"), 443, false},
		{pod("ingest"), outside("198.51.100.7"), 443, false},
		{pod("ingest"), pod("worker-suppression"), 9090, false},
		{pod("worker-suppression"), outside("198.51.100.7"), 443, true},
		{pod("worker-suppression"), outside("198.51.100.7"), 80, false},
		{pod("worker-suppression"), outside("10.0.0.1"), 443, false},
		{pod("worker-suppression"), outside("169.254.169.254"), 80, false},
		{pod("worker-warehouse"), outside("169.254.169.254"), 80, true},
		{pod("ingest"), dns, 53, true},
		{pod("worker-engagement"), dns, 53, true},
		{pod("nats"), dns, 53, true},
		{pod("nats"), dns, 443, false},
	} {
		if got := s.allowed(t, c.from, c.to, c.port); got != c.want {
			t.Errorf("%+v reaches %+v at %d: %t", c.from, c.to, c.port, got)
		}
	}
}

// A reach says whether a pod reaches an end at a port.
type reach struct {
	to   end
	port int
	want bool
}

// reaches checks what the pods of a name reach.
func (s *system) reaches(t *testing.T, name string, list []reach) {
	t.Helper()
	for _, r := range list {
		if got := s.allowed(t, pod(name), r.to, r.port); got != r.want {
			t.Errorf("%s reaches %+v at %d: %t", name, r.to, r.port, got)
		}
	}
}

// allowed judges a TCP connection as a network plugin does: an end that some
// policy selects allows only what one of its policies names.
func (s *system) allowed(t *testing.T, from, to end, port int) bool {
	t.Helper()
	out, in := true, true
	if from.workload != "" {
		out = s.judge(t, from, to, to, port, networkingv1.PolicyTypeEgress)
	}
	if to.workload != "" {
		in = s.judge(t, to, from, to, port, networkingv1.PolicyTypeIngress)
	}
	return out && in
}

func (s *system) judge(t *testing.T, self, peer, to end, port int, direction networkingv1.PolicyType) bool {
	t.Helper()
	isolated := false
	for _, p := range s.policies {
		if !selects(t, &p.Spec.PodSelector, s.labelsOf(t, self)) {
			continue
		}
		for _, d := range p.Spec.PolicyTypes {
			isolated = isolated || d == direction
		}
		if direction == networkingv1.PolicyTypeIngress {
			for _, r := range p.Spec.Ingress {
				if s.matches(t, r.From, peer) && s.hasPort(t, r.Ports, to, port) {
					return true
				}
			}
			continue
		}
		for _, r := range p.Spec.Egress {
			if s.matches(t, r.To, peer) && s.hasPort(t, r.Ports, to, port) {
				return true
			}
		}
	}
	return !isolated
}

func (s *system) labelsOf(t *testing.T, e end) map[string]string {
	t.Helper()
	if e.workload == "" {
		return e.labels
	}
	for _, w := range s.workloads {
		if w.name == e.workload {
			return w.pod.Labels
		}
	}
	t.Fatalf("there are no pods of %s", e.workload)
	return nil
}

func (s *system) matches(t *testing.T, peers []networkingv1.NetworkPolicyPeer, e end) bool {
	t.Helper()
	for _, p := range peers {
		switch {
		case p.IPBlock != nil:
			if e.address != "" && inBlock(t, p.IPBlock, e.address) {
				return true
			}
		case e.address != "":
		case p.NamespaceSelector == nil:
			if e.workload != "" && selects(t, p.PodSelector, s.labelsOf(t, e)) {
				return true
			}
		default:
			ns := map[string]string{"kubernetes.io/metadata.name": e.namespace}
			pods := p.PodSelector
			if pods == nil {
				pods = &metav1.LabelSelector{}
			}
			if e.workload == "" && selects(t, p.NamespaceSelector, ns) && selects(t, pods, e.labels) {
				return true
			}
		}
	}
	return len(peers) == 0
}

func inBlock(t *testing.T, b *networkingv1.IPBlock, address string) bool {
	t.Helper()
	contains := func(block string) bool {
		p, err := netip.ParsePrefix(block)
		if err != nil {
			t.Fatal(err)
		}
		return p.Contains(netip.MustParseAddr(address))
	}
	return contains(b.CIDR) && !slices.ContainsFunc(b.Except, contains)
}

func (s *system) hasPort(t *testing.T, ports []networkingv1.NetworkPolicyPort, to end, port int) bool {
	t.Helper()
	for _, p := range ports {
		number := int(p.Port.IntVal)
		if p.Port.Type == intstr.String {
			for _, w := range s.workloads {
				if w.name == to.workload {
					number = int(portNumber(w.pod, *p.Port))
				}
			}
		}
		if number == port {
			return true
		}
	}
	return len(ports) == 0
}
