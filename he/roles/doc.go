// Package roles splits plans into halves that leave the process, and makes clients and
// servers of them again: bytes go in, bytes come out.
//
//	bundle -> choose.Plan -> client half (*he.ClientSpec) -> he.Client
//	                      -> server half (*ServerHalf)     -> he.Server
//
// What a client encrypts is a stream of messages, a batch of samples each, which a server
// answers one by one; see EncryptStream, EvaluateStream and DecryptStream.
package roles
