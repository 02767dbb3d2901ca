export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where rooms tell what happened: one stable name an event, ids as fields, never a secret or a whole phone number. */
export interface EventLog {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** `error` is printed with its stack and causes. */
  error(event: string, fields?: LogFields, error?: unknown): void;
  /** A log that adds these fields to each line. */
  with(fields: LogFields): EventLog;
}
