/** Names a call between main and one worker; a worker never uses one twice. */
export type CallNumber = number;
