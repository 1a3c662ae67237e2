//! Ways to run Spark, as people call them.

use super::printable;

/// A deployment of `application_costs` in words.
pub fn deployment_label(id: &str) -> String {
    match id {
        "emr_ec2" => "EMR on EC2".to_owned(),
        "emr_eks" => "EMR on EKS".to_owned(),
        "emr_serverless" => "EMR Serverless".to_owned(),
        "emr_serverless_storage" => "EMR Serverless with serverless storage".to_owned(),
        "databricks" => "Databricks".to_owned(),
        other => printable(&other.replace('_', " ")),
    }
}
