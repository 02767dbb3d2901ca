import type { ChannelName } from '../call/call.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { DeploymentId, ProjectId } from '../ids.ts';

export type NewDeployment = Omit<Deployment, 'createdAt' | 'updatedAt'>;
export type DeploymentChange = Pick<Deployment, 'name' | 'number' | 'credentialId' | 'settings' | 'isEnabled'>;

/** Which assistant answers which line. */
export interface DeploymentRepository {
  /**
   * A repeated id is the same deployment, returned as it is stored. @throws AppError conflict when the number is deployed on
   * the channel already, invalid_parameters when assistant or credential is not the project's.
   */
  create(deployment: NewDeployment): Promise<Deployment>;
  list(projectId: ProjectId): Promise<readonly Deployment[]>;
  /** Those of all projects that are enabled on a channel, the oldest first. */
  enabledOn(channel: ChannelName): Promise<readonly Deployment[]>;
  find(projectId: ProjectId, id: DeploymentId): Promise<Deployment | null>;
  /** Null when there is none. @throws as `create`. */
  update(projectId: ProjectId, id: DeploymentId, change: DeploymentChange): Promise<Deployment | null>;
  remove(projectId: ProjectId, id: DeploymentId): Promise<boolean>;
}
