package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// noAnswer is the verdict about a silent public address.
func noAnswer(host string, err error) []Verdict {
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	remedy := "look at the firewall, the load balancer, and whether ingest runs"
	switch {
	case isCertificate, isAuthority:
		remedy = "give ingest or its proxy a certificate of a public authority for this host, with its whole chain: Customer.io verifies it"
	case isPlain:
		remedy = "the port speaks no TLS: let the proxy or ingest (TLS_CERT_FILE) speak TLS, or correct the URL"
	case isDNS:
		remedy = "correct the host in the URL, or its DNS record"
	case errors.Is(err, syscall.ECONNREFUSED):
		remedy = "nothing listens there: start ingest or the load balancer, or correct the URL"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failed(fmt.Sprintf("%s does not answer within %v, when Customer.io hangs up", host, hangUp), remedy)
	}
	return failed(fmt.Sprintf("no answer of %s: %v", host, err), remedy)
}

// isLocal reports whether the host is this machine.
func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
