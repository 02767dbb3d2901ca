import { asteriskTopic } from './asterisk.ts';
import { house } from './house.ts';
import { sipTopic } from './sip.ts';
import type { DoctorTopic } from './topic.ts';

/** The list: a new topic is a file and a line here. */
export const DOCTOR_TOPICS: readonly DoctorTopic[] = [house, asteriskTopic, sipTopic];
