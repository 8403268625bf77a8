// Send_with_callback sends a message with an endpoint of its own.
//
//	go run ./examples/send_with_callback URL
package main

import (
	"context"
	"log"
	"os"

	smsgate "smsgate.internal/client"
	pb "smsgate.internal/stubs/smsgate/v1"
)

func main() {
	client, err := smsgate.Open("")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := send(context.Background(), client, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func send(ctx context.Context, client *smsgate.Client, url string) error {
	// --8<-- [start:callback]
	callback := &pb.Callback{Url: url, CustomData: map[string]string{"order": "7"}}
	_, err := client.Send(ctx, &pb.SendMessageRequest{
		Recipient: "+393331234567",
		Text:      "Hello",
		Options:   &pb.SendOptions{Callback: callback},
	})
	// --8<-- [end:callback]
	return err
}
