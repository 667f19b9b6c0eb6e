/* mosquitto.ts: the MQTT broker with fifty clients in a ring, each of which publishes to the next.
 * The rule: QoS 1 both ways: confirmed to the publisher, and delivered and confirmed once. */
import { mqttClient } from '../clients/mqtt.js';
import type { Program } from '../program.js';

const clients = 50;

const programs: Program[] = [{
  name: 'mosquitto',
  what: '50 clients in a ring, and one that comes and goes: each message is published with QoS 1, '
    + 'delivered with QoS 1, and confirmed both ways.',
  packages: ['mosquitto'],
  version: ['mosquitto', '-h'],
  command: ['mosquitto', '-c', 'm.conf'],
  port: 1883,
  files: {
    'm.conf': 'listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n'
      + 'max_inflight_messages 0\nmax_queued_messages 0\n',
  },
  clients,
  visitors: 1,
  thinkMs: 10,
  connect: (context) => mqttClient(context, clients),
}];

export default programs;
