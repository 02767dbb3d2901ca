/** An event without its time: whoever hands it on adds that. */
export type EventBody<Event> = Event extends unknown ? Omit<Event, 'atMs'> : never;
