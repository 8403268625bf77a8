// Package smsgate sends SMS through the gateway smsgate and follows what becomes of them.
//
//	client, err := smsgate.Open("127.0.0.1:50051")
//	sent, err := client.Send(ctx, &pb.SendMessageRequest{Recipient: "+393331234567", Text: "Ciao!"})
//	for event, err := range client.Follow(ctx, &pb.StreamStatusRequest{...}) { ... }
//
// Requests and responses are those of the contract, of smsgate.internal/stubs/smsgate/v1. A Client
// is for any number of goroutines. Every call has a deadline, is repeated where that is safe, and
// ends with an *Error that errors.Is and errors.As take apart. Follow outlives broken connections
// and restarts.
package smsgate
