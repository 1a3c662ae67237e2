//! What a cluster consists of.

use std::collections::BTreeMap;

use aws_sdk_emr::types::{self, InstanceState};
use chrono::{DateTime, Utc};

use super::account::Emr;
use super::api::GroupsAnswer;
use super::clusters;
use super::setup::Setup;
use crate::discover::aws::time;
use crate::discover::{ClusterInstances, Exploration};

const GROUPS: &str = "instance_groups";
const FLEETS: &str = "instance_fleets";
const INSTANCES: &str = "instances";
/// The role of instances whose group is not listed.
const UNKNOWN_ROLE: &str = "UNKNOWN";

/// How the instances of a cluster were asked for.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub groups: Vec<types::InstanceGroup>,
    pub fleets: Vec<types::InstanceFleet>,
}

impl Emr {
    /// Lists groups or fleets, then instances. Adds to `setup` what groups were configured with.
    pub(super) async fn explore_instances(
        &self,
        exploration: &mut Exploration,
        description: Option<&types::Cluster>,
        setup: &mut Setup,
    ) {
        let definitions = self.explore_definitions(exploration, setup).await;
        for group in &definitions.groups {
            setup.add_configurations(group.configurations());
            setup.add_configurations(group.last_successfully_applied_configurations());
        }
        let specifications = definitions
            .fleets
            .iter()
            .flat_map(types::InstanceFleet::instance_type_specifications);
        for specification in specifications {
            setup.add_configurations(specification.configurations());
        }
        let pages = self.api.list_instances(&exploration.cluster).await;
        match pages.error {
            Some(error) => exploration.failed(INSTANCES, error),
            None => exploration.found(INSTANCES, pages.items.len()),
        }
        let until = exploration.cluster.ended_at.unwrap_or_else(Utc::now);
        let has_ended = description.is_some() && clusters::has_ended(&exploration.cluster);
        exploration.instances = aggregate(
            &definitions,
            &pages.items,
            setup.root_volume_gb,
            InstanceLifetime { until, has_ended },
        );
    }

    async fn explore_definitions(
        &self,
        exploration: &mut Exploration,
        setup: &Setup,
    ) -> Definitions {
        let mut definitions = Definitions::default();
        if setup.has_fleets != Some(true) {
            match self.api.list_instance_groups(&exploration.cluster).await {
                GroupsAnswer::Groups(pages) => {
                    definitions.groups = pages.items;
                    match pages.error {
                        Some(error) => exploration.failed(GROUPS, error),
                        None => exploration.found(GROUPS, definitions.groups.len()),
                    }
                    return definitions;
                }
                GroupsAnswer::HasFleets => {}
            }
        }
        let pages = self.api.list_instance_fleets(&exploration.cluster).await;
        definitions.fleets = pages.items;
        match pages.error {
            Some(error) => exploration.failed(FLEETS, error),
            None => exploration.found(FLEETS, definitions.fleets.len()),
        }
        definitions
    }
}

/// When a cluster's instances are over at the latest.
#[derive(Debug, Clone, Copy)]
pub(super) struct InstanceLifetime {
    /// The cluster's end, or now.
    pub until: DateTime<Utc>,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// Group or fleet, instance type, market.
type Key = (String, String, Option<String>);

/// One row for each group, or for each instance type and market of a fleet.
pub(super) fn aggregate(
    definitions: &Definitions,
    instances: &[types::Instance],
    root_volume_gb: Option<i64>,
    life: InstanceLifetime,
) -> Vec<ClusterInstances> {
    let mut rows: BTreeMap<Key, ClusterInstances> = BTreeMap::new();
    for group in &definitions.groups {
        let row = of_group(group, root_volume_gb);
        rows.insert(group_key(&row), row);
    }
    for instance in instances {
        let row = of_instance(definitions, instance, root_volume_gb);
        let key = match definitions
            .groups
            .iter()
            .any(|group| group.id() == Some(&row.group_id))
        {
            // A group has one type and market, whatever its instances say.
            true => (row.group_id.clone(), String::new(), None),
            false => (
                row.group_id.clone(),
                row.instance_type.clone(),
                row.market.clone(),
            ),
        };
        add_instance(rows.entry(key).or_insert(row), instance, life);
    }
    for fleet in &definitions.fleets {
        let id = fleet.id().unwrap_or_default();
        // EMR forgets instances after 30 days; what the fleet was to be made of stays.
        if !rows.values().any(|row| row.group_id == id) {
            let planned = of_empty_fleet(fleet, root_volume_gb);
            rows.extend(planned.into_iter().map(|row| {
                let key = (
                    row.group_id.clone(),
                    row.instance_type.clone(),
                    row.market.clone(),
                );
                (key, row)
            }));
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    for row in &mut rows {
        if row.running_count.is_some_and(|count| count > 0) {
            row.last_ended_at = None;
        }
    }
    rows
}

fn group_key(row: &ClusterInstances) -> Key {
    (row.group_id.clone(), String::new(), None)
}

fn of_group(group: &types::InstanceGroup, root_volume_gb: Option<i64>) -> ClusterInstances {
    let role = group.instance_group_type.as_ref();
    ClusterInstances {
        group_id: group.id.clone().unwrap_or_default(),
        group_name: group.name.clone(),
        role: role.map_or(UNKNOWN_ROLE, |role| role.as_str()).to_owned(),
        instance_type: group.instance_type.clone().unwrap_or_default(),
        market: group.market.as_ref().map(|m| m.as_str().to_owned()),
        requested_count: group.requested_instance_count.map(i64::from),
        running_count: group.running_instance_count.map(i64::from),
        bid_price_usd: group.bid_price.as_deref().and_then(price),
        ebs_gb: volumes(group.ebs_block_devices(), root_volume_gb),
        ..ClusterInstances::default()
    }
}

fn price(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|price: &f64| price.is_finite())
}

fn volumes(devices: &[types::EbsBlockDevice], root_volume_gb: Option<i64>) -> Option<i64> {
    let sizes = devices
        .iter()
        .filter_map(|device| device.volume_specification.as_ref()?.size_in_gb)
        .map(i64::from)
        .chain(root_volume_gb);
    sizes.fold(None, |sum, size| Some(sum.unwrap_or(0) + size))
}

/// The row that an instance begins, if it is the first of its kind.
fn of_instance(
    definitions: &Definitions,
    instance: &types::Instance,
    root_volume_gb: Option<i64>,
) -> ClusterInstances {
    let instance_type = instance.instance_type.clone().unwrap_or_default();
    let market = instance.market.as_ref().map(|m| m.as_str().to_owned());
    if let Some(fleet_id) = instance.instance_fleet_id.as_deref() {
        let fleet = definitions
            .fleets
            .iter()
            .find(|fleet| fleet.id() == Some(fleet_id));
        let mut row = match fleet {
            Some(fleet) => of_fleet(fleet, &instance_type, root_volume_gb),
            None => ClusterInstances {
                role: UNKNOWN_ROLE.to_owned(),
                ..ClusterInstances::default()
            },
        };
        if market.as_deref() != Some(types::MarketType::Spot.as_str()) {
            (row.bid_price_usd, row.bid_price_percentage) = (None, None);
        }
        return ClusterInstances {
            group_id: fleet_id.to_owned(),
            instance_type,
            market,
            running_count: Some(0),
            ..row
        };
    }
    ClusterInstances {
        group_id: instance.instance_group_id.clone().unwrap_or_default(),
        role: UNKNOWN_ROLE.to_owned(),
        instance_type,
        market,
        running_count: Some(0),
        ..ClusterInstances::default()
    }
}

fn of_fleet(
    fleet: &types::InstanceFleet,
    instance_type: &str,
    root_volume_gb: Option<i64>,
) -> ClusterInstances {
    let specification = fleet
        .instance_type_specifications()
        .iter()
        .find(|specification| specification.instance_type() == Some(instance_type));
    let role = fleet.instance_fleet_type.as_ref();
    let devices = specification
        .map(types::InstanceTypeSpecification::ebs_block_devices)
        .unwrap_or_default();
    ClusterInstances {
        group_id: fleet.id.clone().unwrap_or_default(),
        group_name: fleet.name.clone(),
        role: role.map_or(UNKNOWN_ROLE, |role| role.as_str()).to_owned(),
        instance_type: instance_type.to_owned(),
        bid_price_usd: specification.and_then(|s| price(s.bid_price.as_deref()?)),
        bid_price_percentage: specification
            .and_then(|s| s.bid_price_as_percentage_of_on_demand_price),
        ebs_gb: volumes(devices, root_volume_gb),
        ..ClusterInstances::default()
    }
}

fn of_empty_fleet(
    fleet: &types::InstanceFleet,
    root_volume_gb: Option<i64>,
) -> Vec<ClusterInstances> {
    fleet
        .instance_type_specifications()
        .iter()
        .filter_map(|specification| specification.instance_type())
        .map(|instance_type| of_fleet(fleet, instance_type, root_volume_gb))
        .collect()
}

fn add_instance(row: &mut ClusterInstances, instance: &types::Instance, life: InstanceLifetime) {
    let status = instance.status.as_ref();
    let timeline = status.and_then(|status| status.timeline.as_ref());
    let created = timeline
        .and_then(|timeline| timeline.creation_date_time.as_ref())
        .and_then(time);
    let told_end = timeline
        .and_then(|timeline| timeline.end_date_time.as_ref())
        .and_then(time);
    // Nothing outlives its cluster, whether its own end was noted or not.
    let ended = told_end.or(life.has_ended.then_some(life.until));
    *row.total_count.get_or_insert(0) += 1;
    let is_running =
        status.and_then(|status| status.state.as_ref()) == Some(&InstanceState::Running);
    if row.requested_count.is_none() && is_running && !life.has_ended {
        // A group tells how many of it run; of a fleet's types they are counted.
        *row.running_count.get_or_insert(0) += 1;
    }
    if let Some(created) = created {
        let lived = ended.unwrap_or(life.until) - created;
        let hours = lived.num_milliseconds().max(0) as f64 / 3_600_000.0;
        *row.instance_hours.get_or_insert(0.0) += hours;
        row.first_created_at = Some(row.first_created_at.map_or(created, |t| t.min(created)));
    }
    if let Some(ended) = ended {
        row.last_ended_at = Some(row.last_ended_at.map_or(ended, |t| t.max(ended)));
    }
}
