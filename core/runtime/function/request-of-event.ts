/** An expression that makes a Request of an event, for messages. */
export const requestOfEvent = 'new Request(new URL(event.path, "http://localhost"), event)';
