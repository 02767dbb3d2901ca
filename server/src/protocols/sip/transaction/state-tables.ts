import type { TimerName } from './timers.ts';

/**
 * The four state machines of RFC 3261, section 17, with the Accepted states of RFC 6026, as tables:
 *
 *     state -> event -> [next state, ...what is done on the way]
 *
 * An event a state does not name is ignored there. Entering `terminated` stops every timer.
 */
export type StateTable<State extends string, Event extends string> = {
  readonly [state in State]: { readonly [event in Event]?: readonly [next: State, ...actions: Action[]] };
};

/** Actions: `send` the newest message of our own (again), `ack` a failure, `deliver` to the user, tell it of a time-out or failure. */
export type Action =
  | 'send'
  | 'ack'
  | 'deliver'
  | 'tell timeout'
  | 'tell failure'
  | `start ${TimerName}`
  | `again ${TimerName}`
  | `stop ${TimerName}`;

export type ClientState = 'start' | 'calling' | 'trying' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
export type ClientEvent = 'begin' | '1xx' | '2xx' | '3xx-6xx' | 'transport error' | `timer ${TimerName}`;

/**
 * INVITE client transaction (17.1.1, RFC 6026 figure 2):
 *
 *                    | begin
 *     timer A: send  v
 *              +-> calling ---------------- timer B ----------------+
 *              +-----+  |1xx    \ 2xx            \ 3xx-6xx: ACK     |
 *                       v        \                v                 |
 *             1xx: -> proceeding -+-> accepted   completed <- again |
 *                       |    3xx-6xx    | M        | D     ACK      |
 *                       +---------------+----------+------> terminated
 */
export const INVITE_CLIENT: StateTable<ClientState, ClientEvent> = {
  start: { begin: ['calling', 'send', 'start A', 'start B'] },
  calling: {
    'timer A': ['calling', 'send', 'again A'],
    'timer B': ['terminated', 'tell timeout'],
    '1xx': ['proceeding', 'stop A', 'stop B', 'deliver'],
    '2xx': ['accepted', 'stop A', 'stop B', 'start M', 'deliver'],
    '3xx-6xx': ['completed', 'stop A', 'stop B', 'start D', 'ack', 'deliver'],
    'transport error': ['terminated', 'tell failure'],
  },
  trying: {},
  proceeding: {
    '1xx': ['proceeding', 'deliver'],
    '2xx': ['accepted', 'start M', 'deliver'],
    '3xx-6xx': ['completed', 'start D', 'ack', 'deliver'],
  },
  // RFC 6026, 7.2: each 200 goes up, from other branches too; whoever sent the INVITE acknowledges every one.
  accepted: { '2xx': ['accepted', 'deliver'], 'timer M': ['terminated'] },
  completed: {
    '3xx-6xx': ['completed', 'ack'],
    'timer D': ['terminated'],
    'transport error': ['terminated', 'tell failure'],
  },
  terminated: {},
};

/** Non-INVITE client transaction (17.1.2, figure 6). */
export const NON_INVITE_CLIENT: StateTable<ClientState, ClientEvent> = {
  start: { begin: ['trying', 'send', 'start E', 'start F'] },
  calling: {},
  trying: {
    'timer E': ['trying', 'send', 'again E'],
    'timer F': ['terminated', 'tell timeout'],
    '1xx': ['proceeding', 'deliver'],
    '2xx': ['completed', 'stop E', 'stop F', 'start K', 'deliver'],
    '3xx-6xx': ['completed', 'stop E', 'stop F', 'start K', 'deliver'],
    'transport error': ['terminated', 'tell failure'],
  },
  proceeding: {
    'timer E': ['proceeding', 'send', 'again E'],
    'timer F': ['terminated', 'tell timeout'],
    '1xx': ['proceeding', 'deliver'],
    '2xx': ['completed', 'stop E', 'stop F', 'start K', 'deliver'],
    '3xx-6xx': ['completed', 'stop E', 'stop F', 'start K', 'deliver'],
    'transport error': ['terminated', 'tell failure'],
  },
  accepted: {},
  completed: { 'timer K': ['terminated'] },
  terminated: {},
};

export type ServerState = 'trying' | 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
export type ServerEvent =
  | 'request'
  | 'ack'
  | 'respond 1xx'
  | 'respond 2xx'
  | 'respond 3xx-6xx'
  | 'transport error'
  | `timer ${TimerName}`;

/**
 * INVITE server transaction (17.2.1, RFC 6026 figure 3):
 *
 *     request: send   |
 *             +-> proceeding <-+ respond 1xx: send
 *             +-----+  | |  +--+
 *      respond 2xx  |  | | respond 3xx-6xx: send
 *                   v  | v
 *             accepted | completed <-+ request, timer G: send
 *       ack: deliver | |  | ack  |H  +
 *                  L | |  v      |
 *                    | | confirmed   <- ack
 *                    v v  | I    v
 *                    terminated
 *
 * In `accepted` the user retransmits its 200 until the ACK (13.3.1.4); the machine only swallows repeated INVITEs.
 */
export const INVITE_SERVER: StateTable<ServerState, ServerEvent> = {
  trying: {},
  proceeding: {
    request: ['proceeding', 'send'],
    'respond 1xx': ['proceeding', 'send'],
    'respond 2xx': ['accepted', 'send', 'start L'],
    'respond 3xx-6xx': ['completed', 'send', 'start G', 'start H'],
    'transport error': ['terminated', 'tell failure'],
  },
  accepted: {
    ack: ['accepted', 'deliver'],
    'respond 2xx': ['accepted', 'send'],
    'timer L': ['terminated'],
  },
  completed: {
    request: ['completed', 'send'],
    'timer G': ['completed', 'send', 'again G'],
    'timer H': ['terminated', 'tell timeout'],
    ack: ['confirmed', 'stop G', 'stop H', 'start I'],
    'transport error': ['terminated', 'tell failure'],
  },
  confirmed: { 'timer I': ['terminated'] },
  terminated: {},
};

/** Non-INVITE server transaction (17.2.2, figure 8). A request repeated before any answer waits for that answer (RFC 4320). */
export const NON_INVITE_SERVER: StateTable<ServerState, ServerEvent> = {
  trying: {
    'respond 1xx': ['proceeding', 'send'],
    'respond 2xx': ['completed', 'send', 'start J'],
    'respond 3xx-6xx': ['completed', 'send', 'start J'],
  },
  proceeding: {
    request: ['proceeding', 'send'],
    'respond 1xx': ['proceeding', 'send'],
    'respond 2xx': ['completed', 'send', 'start J'],
    'respond 3xx-6xx': ['completed', 'send', 'start J'],
    'transport error': ['terminated', 'tell failure'],
  },
  accepted: {},
  completed: {
    request: ['completed', 'send'],
    'timer J': ['terminated'],
    'transport error': ['terminated', 'tell failure'],
  },
  confirmed: {},
  terminated: {},
};
