// Package manifests holds tests of what is under deploy/, without a cluster: the
// manifests are built by kustomize itself and held against the real types of
// their APIs, the programs' own settings and instruments, and real NATS servers.
// It is a module of its own so that the product does not carry the libraries.
package manifests
