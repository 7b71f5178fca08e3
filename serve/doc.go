// Package serve answers encrypted samples over HTTP: what was verified, deployed.
//
//	GET    /v2/health/live, /v2/health/ready
//	GET    /v2/models, /v2/models/{model}
//	GET    /v2/models/{model}/client     the client half
//	POST   /v2/models/{model}/infer      a stream of inputs; the answer is one of outputs
//	GET    /v1/keys                      the tenant's evaluation keys
//	PUT    /v1/keys/{sha256}             all of them, or a range: uploads go on where they ended
//	HEAD   /v1/keys/{sha256}             how much has arrived
//	DELETE /v1/keys/{sha256}             revokes them
//	GET    /openapi.yaml                 all of this, for machines
//
// Names follow the Open Inference Protocol where they fit; bodies are the objects of
// package wire, as bytes; errors are problem details (RFC 9457). The service holds no
// secret and learns nothing of what it computes: samples, results and whether a client
// could read them stay with the client. It keeps nothing of a request but counts.
package serve
